/** Browser and system of a session, in short: `Chrome · macOS`. */
export function describeUserAgent(text: string | null): string | undefined {
  if (!text) return undefined
  const browser = /Edg\//.test(text)
    ? 'Edge'
    : /Firefox\//.test(text)
      ? 'Firefox'
      : /Chrom(?:e|ium)\//.test(text)
        ? 'Chrome'
        : /Safari\//.test(text)
          ? 'Safari'
          : ''
  const system = /iPhone|iPad/.test(text)
    ? 'iOS'
    : /Android/.test(text)
      ? 'Android'
      : /Mac OS X/.test(text)
        ? 'macOS'
        : /Windows/.test(text)
          ? 'Windows'
          : /Linux/.test(text)
            ? 'Linux'
            : ''
  return [browser, system].filter(Boolean).join(' · ') || text.slice(0, 60)
}
