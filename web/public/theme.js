// The chosen theme is set before the first paint; without a choice the system's is followed.
try {
  const theme = localStorage.getItem('onward.theme')
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Without storage the system's theme is followed.
}
