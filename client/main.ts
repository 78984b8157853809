import { createApp } from 'vue'
import App from './app/App.vue'
import { loadWords } from './app/i18n.ts'
import { listenForInstall } from './app/install.ts'
import { guardLostChunks, startPwa } from './app/pwa.ts'
import { router } from './app/router.ts'
import { startSession } from './app/session.ts'
import { startTheme } from './app/theme.ts'

guardLostChunks()
listenForInstall()
startTheme()
void startSession()
await loadWords('app')
const app = createApp(App).use(router)
await router.isReady().catch(() => undefined)
app.mount('#app')
startPwa()
