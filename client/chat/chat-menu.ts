import {
  Archive,
  ArchiveRestore,
  CloudOff,
  FileJson,
  FileText,
  HardDriveDownload,
  Pencil,
  Pin,
  PinOff,
  Trash2,
} from 'lucide-vue-next'
import { deleteChat, restoreChat, updateChat } from '../../shared/chat/mutators.ts'
import type { ChatListRow } from '../../shared/chat/queries.ts'
import { t } from '../app/i18n.ts'
import { mutate } from '../app/local.ts'
import type { MenuItem } from '../ui/menu.ts'
import { toast } from '../ui/toast.ts'
import { isKept, keepOffline } from './kept-chats.ts'

type Chat = Pick<ChatListRow, 'id' | 'title' | 'pinned' | 'status'>

/** Deletes with a way back. */
export async function removeChat(chat: Chat): Promise<void> {
  if (!(await mutate(deleteChat, { id: chat.id }))) return
  toast(t('chat.deleted', { title: chat.title }), {
    action: { label: t('chat.undo'), run: () => void mutate(restoreChat, { id: chat.id }) },
  })
}

export async function archiveChat(chat: Chat): Promise<void> {
  const archived = chat.status === 'archived'
  if (!(await mutate(updateChat, { id: chat.id, set: { status: archived ? 'active' : 'archived' } }))) return
  if (archived) return
  toast(t('chat.archived', { title: chat.title }), {
    action: { label: t('chat.undo'), run: () => void mutate(updateChat, { id: chat.id, set: { status: 'active' } }) },
  })
}

/** The menu of a chat; the same in the list and in its header. */
export function chatMenu(
  chat: Chat,
  does: { rename: () => void; save?: (kind: 'md' | 'json') => void; removed?: () => void },
): MenuItem[] {
  const { save } = does
  return [
    { id: 'rename', label: t('chat.menu.rename'), icon: Pencil, select: does.rename },
    {
      id: 'pin',
      label: chat.pinned ? t('chat.menu.unpin') : t('chat.menu.pin'),
      icon: chat.pinned ? PinOff : Pin,
      select: () => void mutate(updateChat, { id: chat.id, set: { pinned: !chat.pinned } }),
    },
    {
      id: 'keep',
      label: isKept(chat.id) ? t('chat.menu.unkeep') : t('chat.menu.keep'),
      icon: isKept(chat.id) ? CloudOff : HardDriveDownload,
      select: () => void keepOffline(chat.id, !isKept(chat.id)),
    },
    {
      id: 'archive',
      label: chat.status === 'archived' ? t('chat.menu.unarchive') : t('chat.menu.archive'),
      icon: chat.status === 'archived' ? ArchiveRestore : Archive,
      select: () => void archiveChat(chat),
    },
    ...(save
      ? ([
          'line',
          { id: 'md', label: t('chat.menu.markdown'), icon: FileText, select: () => save('md') },
          { id: 'json', label: t('chat.menu.json'), icon: FileJson, select: () => save('json') },
        ] satisfies MenuItem[])
      : []),
    'line',
    {
      id: 'delete',
      label: t('chat.menu.delete'),
      icon: Trash2,
      danger: true,
      select: () => {
        does.removed?.()
        void removeChat(chat)
      },
    },
  ]
}
