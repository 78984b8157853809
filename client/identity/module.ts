import { KeyRound, MonitorSmartphone, ServerCog, Users } from 'lucide-vue-next'
import type { ModuleDescriptor } from '../app/descriptor.ts'

const words = {
  signIn: { 'zh-CN': '登录', en: 'Sign in' },
  signUp: { 'zh-CN': '注册', en: 'Sign up' },
  setUp: { 'zh-CN': '首次设置', en: 'Set up' },
  account: { 'zh-CN': '账号与登录', en: 'Account' },
  keys: { 'zh-CN': 'API 密钥', en: 'API keys' },
  people: { 'zh-CN': '成员', en: 'People' },
  server: { 'zh-CN': '服务器', en: 'Server' },
}
const door = { bare: true, public: true }

export default {
  id: 'identity',
  routes: [
    {
      path: '/sign-in',
      name: 'sign-in',
      component: () => import('./pages/SignIn.vue'),
      meta: { ...door, title: words.signIn },
    },
    {
      path: '/sign-up',
      name: 'sign-up',
      component: () => import('./pages/SignUp.vue'),
      meta: { ...door, title: words.signUp },
    },
    {
      path: '/set-up',
      name: 'set-up',
      component: () => import('./pages/SetUp.vue'),
      meta: { ...door, title: words.setUp },
    },
  ],
  settings: [
    {
      id: 'account',
      title: words.account,
      icon: MonitorSmartphone,
      page: () => import('./pages/AccountSettings.vue'),
      order: 30,
    },
    {
      id: 'keys',
      title: words.keys,
      icon: KeyRound,
      page: () => import('./pages/KeySettings.vue'),
      order: 40,
      permission: 'key:read',
    },
    {
      id: 'people',
      title: words.people,
      icon: Users,
      page: () => import('./pages/PeopleSettings.vue'),
      order: 50,
      permission: 'user:read',
    },
    {
      id: 'server',
      title: words.server,
      icon: ServerCog,
      page: () => import('./pages/ServerSettings.vue'),
      order: 60,
      permission: 'setting:update',
    },
  ],
} satisfies ModuleDescriptor
