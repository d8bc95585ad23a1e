// While a payment is being checked: look again, less and less often, and show news at once.
(function () {
  'use strict'
  const FIRST = 3000
  const LONGEST = 30000
  const main = document.querySelector('main[data-stage]')
  let pause = FIRST
  let timer

  function later () {
    clearTimeout(timer)
    if (!document.hidden) timer = setTimeout(look, pause)
  }

  async function look () {
    pause = Math.min(pause * 1.4, LONGEST)
    try {
      const answer = await fetch(location.href, { cache: 'no-store' })
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html')
      const news = page.querySelector('main[data-stage]')
      if (news && news.dataset.stage !== main.dataset.stage) return location.reload()
    } catch {
      // Offline: look again later.
    }
    later()
  }

  document.addEventListener('visibilitychange', function () {
    pause = FIRST
    later()
  })
  later()
})()
