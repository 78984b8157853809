import { ShieldCheck, Workflow } from 'lucide-vue-next'
import type { ModuleDescriptor } from '../app/descriptor.ts'
import { loadWords } from '../app/i18n.ts'

const studio = { 'zh-CN': '工作台', en: 'Studio' }
const review = { 'zh-CN': '审核', en: 'Review' }

/** The page of an agent speaks of its workflow too. */
async function withWorkflowWords<T>(page: Promise<T>): Promise<T> {
  const [loaded] = await Promise.all([page, loadWords('workflow')])
  return loaded
}

const module: ModuleDescriptor = {
  id: 'agent',
  routes: [
    {
      path: '/studio',
      name: 'studio',
      component: () => import('./pages/StudioPage.vue'),
      meta: { permission: 'agent:write', title: studio },
    },
    {
      path: '/studio/:agent_id',
      name: 'agent',
      component: () => withWorkflowWords(import('./pages/AgentPage.vue')),
      props: true,
      meta: { permission: 'agent:write', title: studio, immersive: true },
    },
    {
      path: '/studio/:agent_id/conflicts',
      name: 'agent-conflicts',
      component: () => withWorkflowWords(import('./pages/ConflictsPage.vue')),
      props: true,
      meta: { permission: 'agent:write', title: studio, immersive: true },
    },
    {
      path: '/review',
      component: () => withWorkflowWords(import('./pages/ReviewPage.vue')),
      meta: { permission: 'review:read', title: review },
      children: [
        { path: '', name: 'reviews', component: () => import('./pages/NoReviewPage.vue') },
        {
          path: ':version_id',
          name: 'review',
          component: () => import('./pages/ReviewDetailPage.vue'),
          props: true,
          meta: { immersive: true },
        },
      ],
    },
  ],
  nav: [
    {
      id: 'studio',
      title: studio,
      icon: Workflow,
      to: '/studio',
      order: 30,
      place: 'main',
      phone: true,
      permission: 'agent:write',
    },
    {
      id: 'review',
      title: review,
      icon: ShieldCheck,
      to: '/review',
      order: 10,
      place: 'foot',
      phone: 'spare',
      permission: 'review:read',
    },
  ],
  commands: [
    {
      id: 'studio.open',
      title: { 'zh-CN': '打开工作台', en: 'Open the studio' },
      icon: Workflow,
      to: '/studio',
      permission: 'agent:write',
    },
    {
      id: 'studio.new',
      title: { 'zh-CN': '新建智能体', en: 'New agent' },
      icon: Workflow,
      to: '/studio?new=1',
      permission: 'agent:write',
    },
    {
      id: 'review.open',
      title: { 'zh-CN': '打开审核队列', en: 'Open the review queue' },
      icon: ShieldCheck,
      to: '/review',
      permission: 'review:read',
    },
  ],
}

export default module
