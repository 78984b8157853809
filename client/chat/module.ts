import { MessageSquare, SquarePen } from 'lucide-vue-next'
import type { ModuleDescriptor } from '../app/descriptor.ts'
import { useRunningBadge } from './use-running-badge.ts'

export default {
  id: 'chat',
  routes: [
    {
      path: '/chat',
      component: () => import('./pages/ChatFrame.vue'),
      meta: { title: { 'zh-CN': '对话', en: 'Chats' } },
      children: [
        { path: '', name: 'chats', component: () => import('./pages/ChatHome.vue') },
        { path: 'new', name: 'chat-new', component: () => import('./pages/NewChat.vue'), meta: { immersive: true } },
        { path: ':chat_id', name: 'chat', component: () => import('./pages/ChatPage.vue'), meta: { immersive: true } },
      ],
    },
  ],
  nav: [
    {
      id: 'chat',
      title: { 'zh-CN': '对话', en: 'Chats' },
      icon: MessageSquare,
      to: '/chat',
      order: 10,
      place: 'main',
      phone: true,
      useBadge: useRunningBadge,
    },
  ],
  palette: async () => (await import('./chat-palette.ts')).chatPalette,
  commands: [{ id: 'chat.new', title: { 'zh-CN': '新对话', en: 'New chat' }, icon: SquarePen, to: '/chat/new' }],
} satisfies ModuleDescriptor
