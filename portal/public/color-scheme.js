// Before the first paint, so that a dark screen does not flash. A file of its own, because inline scripts are forbidden.
;(() => {
  let wanted = null
  try {
    wanted = localStorage.getItem('twinkey-color-scheme')
  } catch {}
  const dark = wanted === 'dark' || (wanted !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light')
})()
