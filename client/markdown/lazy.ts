import { shallowRef, type Component } from 'vue'
import { loadWords } from '../app/i18n.ts'

/** The renderer, when it has arrived. */
export const markdownText = shallowRef<Component>()

/** Fetches the renderer and its words; after the first paint of a chat, not before. */
export async function fetchMarkdown(): Promise<void> {
  if (markdownText.value) return
  const [loaded] = await Promise.all([import('./MarkdownText.vue'), loadWords('markdown')])
  markdownText.value = loaded.default
}
