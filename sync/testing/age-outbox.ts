/**
 * In a page: two days go by for what waits in the outbox, or for one message of it, while nobody looks. Whose outbox:
 * the person's who is named, else that of the one who has been here.
 */
export async function ageOutbox({ user, message }: { user?: string; message?: string }): Promise<void> {
  const names = (await indexedDB.databases()).map(({ name }) => name ?? '')
  const name = names.find((each) => (user ? each === `banyan-${user}` : /^banyan-[0-9a-f-]{36}$/.test(each)))
  if (name === undefined) throw new Error('nobody has been here')
  const db = await new Promise<IDBDatabase>((resolve) => {
    const request = indexedDB.open(name)
    request.onsuccess = () => resolve(request.result)
  })
  const table = db.transaction('outbox', 'readwrite').objectStore('outbox')
  await new Promise<void>((resolve) => {
    table.openCursor().onsuccess = (event) => {
      const cursor = event.target instanceof IDBRequest ? event.target.result : null
      if (!(cursor instanceof IDBCursorWithValue)) return resolve()
      if (message === undefined || cursor.value.args.user_message_id === message)
        cursor.update({ ...cursor.value, created_at: new Date(Date.now() - 2 * 86_400_000).toISOString() })
      cursor.continue()
    }
  })
  db.close()
}
