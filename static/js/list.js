// A list by keyboard: / to search, j and k from row to row, Enter opens.
(function () {
  'use strict'
  const typing = event => event.target.closest('input, select, textarea, [contenteditable]')

  function step (by) {
    const rows = [...document.querySelectorAll('.row-link')]
    const place = rows.indexOf(document.activeElement)
    const next = rows[place < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, place + by))]
    if (next) next.focus()
  }

  document.addEventListener('keydown', function (event) {
    if (typing(event) || event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'j') step(1)
    if (event.key === 'k') step(-1)
    const search = event.key === '/' && document.querySelector('#id_q')
    if (search) {
      event.preventDefault()
      search.focus()
      search.select()
    }
  })

  // Rows rest while somebody ticks some of them.
  document.addEventListener('htmx:beforeRequest', function (event) {
    const live = event.target.closest && event.target.closest('[data-live]')
    if (live && live.querySelector('.pick:checked')) event.preventDefault()
  })
})()
