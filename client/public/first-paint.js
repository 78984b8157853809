// Before the first paint: the person's theme and language, so that nothing flashes. A file of its own because the CSP allows no inline script.
;(function () {
  let theme = 'system'
  let language = ''
  try {
    theme = localStorage.getItem('banyan.theme') || 'system'
    language = localStorage.getItem('banyan.locale') || ''
  } catch {
    // Storage is closed: the system's choice will do.
  }
  const dark = theme === 'dark' || (theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.dataset.theme = dark ? 'dark' : 'light'
  document.documentElement.lang = language || (/^zh\b/i.test(navigator.language) ? 'zh-CN' : 'en')
})()
