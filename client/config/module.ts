import { HardDrive, Settings, SlidersHorizontal } from 'lucide-vue-next'
import type { ModuleDescriptor } from '../app/descriptor.ts'

const title = { 'zh-CN': '设置', en: 'Settings' }

/** The frame of the settings, and the pages about this device. Other modules add pages by `settings` in their descriptor. */
export default {
  id: 'config',
  routes: [
    {
      path: '/settings',
      name: 'settings-frame',
      component: () => import('./pages/SettingsFrame.vue'),
      meta: { title },
      children: [{ path: '', name: 'settings', component: () => import('./pages/SettingsHome.vue') }],
    },
  ],
  nav: [
    {
      id: 'settings',
      title,
      phoneTitle: { 'zh-CN': '我的', en: 'Me' },
      icon: Settings,
      to: '/settings',
      order: 90,
      place: 'foot',
      phone: true,
    },
  ],
  settings: [
    {
      id: 'general',
      title: { 'zh-CN': '通用', en: 'General' },
      icon: SlidersHorizontal,
      page: () => import('./pages/GeneralSettings.vue'),
      order: 10,
    },
    {
      id: 'storage',
      title: { 'zh-CN': '同步与存储', en: 'Sync and storage' },
      icon: HardDrive,
      page: () => import('./pages/StorageSettings.vue'),
      order: 20,
    },
  ],
} satisfies ModuleDescriptor
