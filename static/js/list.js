// Rows rest while somebody ticks some of them: a new answer would take the ticks away.
document.addEventListener('htmx:beforeRequest', function (event) {
  const live = event.target.closest && event.target.closest('[data-live]')
  if (live && live.querySelector('.pick:checked')) event.preventDefault()
})
