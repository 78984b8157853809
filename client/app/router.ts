import { watch } from 'vue'
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteRecordRaw } from 'vue-router'
import { loadWords, say } from './i18n.ts'
import { modules } from './modules.ts'
import { may, session, sessionReach, user } from './session.ts'

function withModule(routes: readonly RouteRecordRaw[], module: string): RouteRecordRaw[] {
  return routes.map((route) => ({ ...route, meta: { module, ...route.meta } }))
}

export const router = createRouter({
  history: createWebHistory(),
  routes: [
    { path: '/', redirect: '/chat' },
    ...modules.flatMap((module) => withModule(module.routes, module.id)),
    { path: '/:lost(.*)*', component: () => import('./NotFound.vue'), meta: { module: 'app' } },
  ],
})

for (const module of modules) {
  for (const { id, page, title, permission } of module.settings ?? []) {
    const meta = { module: module.id, title, ...(permission ? { permission } : {}) }
    router.addRoute('settings-frame', { path: id, name: `settings-${id}`, component: page, meta })
  }
}

router.beforeEach(async (to) => {
  const [elsewhere] = await Promise.all([whereInstead(to), ...modulesOf(to).map(loadWords)])
  return elsewhere ?? true
})

router.afterEach((to) => {
  document.title = to.meta.title ? `${say(to.meta.title)} · 榕 Banyan` : '榕 Banyan'
})

/** Modules whose frames and pages are to be drawn. */
function modulesOf(to: RouteLocationNormalized): string[] {
  return [...new Set(to.matched.flatMap((record) => record.meta.module ?? []))]
}

/** Where a person must go first: set-up, sign-in; or home, when the page is not for them. */
async function whereInstead(to: RouteLocationNormalized) {
  await sessionKnown()
  if (sessionReach.value === 'unreachable') return undefined
  if (session.value?.setup_needed && to.path !== '/set-up') return { path: '/set-up', query: to.query }
  if (!to.meta.public && !user.value)
    return { path: '/sign-in', query: to.path === '/chat' ? {} : { next: to.fullPath } }
  const permission = to.matched.map((record) => record.meta.permission).find((needed) => needed && !may(needed))
  if (permission) return { path: '/chat' }
  return undefined
}

function sessionKnown(): Promise<void> {
  return new Promise((resolve) => {
    const stop = watch(
      sessionReach,
      (reach) => {
        if (reach === 'waiting') return
        queueMicrotask(() => stop())
        resolve()
      },
      { immediate: true },
    )
  })
}
