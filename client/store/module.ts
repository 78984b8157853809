import { Store } from 'lucide-vue-next'
import type { ModuleDescriptor } from '../app/descriptor.ts'
import { loadWords } from '../app/i18n.ts'

const title = { 'zh-CN': '商店', en: 'Store' }

/** What an agent may do is said in the words of the studio. */
async function withAgentWords<T>(page: Promise<T>): Promise<T> {
  const [loaded] = await Promise.all([page, loadWords('agent')])
  return loaded
}

const module: ModuleDescriptor = {
  id: 'store',
  routes: [
    {
      path: '/store',
      name: 'store',
      component: () => import('./pages/StorePage.vue'),
      meta: { permission: 'store:read', title },
    },
    {
      path: '/store/:slug',
      name: 'store-agent',
      component: () => withAgentWords(import('./pages/StoreAgentPage.vue')),
      props: true,
      meta: { permission: 'store:read', title },
    },
  ],
  nav: [
    { id: 'store', title, icon: Store, to: '/store', order: 20, place: 'main', phone: true, permission: 'store:read' },
  ],
  commands: [
    {
      id: 'store.open',
      title: { 'zh-CN': '打开商店', en: 'Open the store' },
      icon: Store,
      to: '/store',
      permission: 'store:read',
    },
  ],
}

export default module
