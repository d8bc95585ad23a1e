// Rows rest while somebody ticks some of them: a new answer would take the ticks away.
document.addEventListener('htmx:beforeRequest', function (event) {
  const live = event.target.closest && event.target.closest('[data-live]')
  if (live && live.querySelector('.pick:checked')) event.preventDefault()
})
document.addEventListener('change', function (event) {
  const words = document.querySelector('[data-picked]')
  if (!words || !event.target.matches('.pick')) return
  const ticked = document.querySelectorAll('.pick:checked').length
  words.textContent = ticked ? `${words.dataset.picked}: ${ticked}` : ''
})
