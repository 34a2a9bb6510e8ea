// Adds a button beside each element with data-copy, which copies the element's text. Without this script, the text is
// selected and copied by hand. The names of the buttons come from the page, in its language.
'use strict'
for (const source of document.querySelectorAll('[data-copy]')) {
  const button = document.createElement('button')
  button.type = 'button'
  button.className = 'copy'
  button.textContent = source.dataset.copy
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(source.textContent)
    } catch { // no https, or the browser refuses: select the text, and copy it as an older browser does
      const range = document.createRange()
      range.selectNodeContents(source)
      const selection = getSelection()
      selection.removeAllRanges()
      selection.addRange(range)
      document.execCommand('copy')
    }
    button.textContent = source.dataset.copied
    button.setAttribute('aria-live', 'polite')
  })
  source.closest('.snippet, dd').append(button)
}
