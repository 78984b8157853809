import { computed } from 'vue'
import { listCategories } from '../../shared/store/api.ts'
import { call } from '../app/call.ts'
import { locale } from '../app/i18n.ts'
import { categoryOptions, categoryTree } from '../store/category-tree.ts'
import { useOnline } from './use-online.ts'

/** The store's categories; the ones of last time while the server is out of reach. */
export function useCategories() {
  const { data, error } = useOnline((signal) => call(listCategories, { signal }), { key: 'all', keep: 'categories' })
  const tree = computed(() => categoryTree(data.value?.categories ?? []))
  return { tree, error, options: computed(() => categoryOptions(tree.value, locale.value)) }
}
