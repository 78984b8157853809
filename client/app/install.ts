import { ref } from 'vue'
import { askForPersistence } from './persistence.ts'

/** The browser's offer to install, kept for when the person asks; never shown by itself. */
interface InstallOffer extends Event {
  prompt: () => Promise<{ outcome: 'accepted' | 'dismissed' }>
}

export const installable = ref(false)
let offer: InstallOffer | undefined

export function listenForInstall(): void {
  window.addEventListener('beforeinstallprompt', (event) => {
    event.preventDefault()
    if (!isOffer(event)) return
    offer = event
    installable.value = true
  })
  window.addEventListener('appinstalled', () => {
    installable.value = false
    void askForPersistence()
  })
}

export async function installApp(): Promise<void> {
  const answer = await offer?.prompt()
  if (answer?.outcome === 'accepted') installable.value = false
  offer = undefined
}

function isOffer(event: Event): event is InstallOffer {
  return 'prompt' in event && typeof event.prompt === 'function'
}
