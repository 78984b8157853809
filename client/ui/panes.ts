import { ref } from 'vue'

/** How many list panes are on screen: with none, the rail shows the state of synchronisation. */
export const listPanes = ref(0)
