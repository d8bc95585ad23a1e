// Small helps, each switched on by a data- attribute. Every page works without this file.
(function () {
  'use strict'
  const root = document.documentElement
  const closest = (event, selector) => event.target.closest && event.target.closest(selector)

  const actions = {
    '[data-copy], [data-copy-text]': async function (button) {
      const source = button.dataset.copy && document.querySelector(button.dataset.copy)
      await navigator.clipboard.writeText(source ? source.value : button.dataset.copyText)
      const word = button.querySelector('[data-copy-word]') || button
      const before = word.textContent
      word.textContent = button.dataset.done || '✓'
      button.dataset.copied = ''
      setTimeout(() => {
        word.textContent = before
        delete button.dataset.copied
      }, 2000)
    },
    '[data-share]': function (button) {
      navigator.share({ url: button.dataset.share, title: button.dataset.shareTitle }).catch(() => {})
    },
    '[data-fill]': function (button) {
      const field = document.querySelector(button.dataset.fill)
      field.value = (button.dataset.value / 100).toFixed(2)
      field.dispatchEvent(new Event('input', { bubbles: true }))
    },
    '[data-print]': () => window.print(),
    '[data-theme-toggle]': function () {
      const dark = root.dataset.theme
        ? root.dataset.theme === 'ink'
        : matchMedia('(prefers-color-scheme: dark)').matches
      root.dataset.theme = dark ? 'paper' : 'ink'
      const secure = location.protocol === 'https:' ? '; secure' : ''
      document.cookie = `theme=${root.dataset.theme}; path=/; max-age=31536000; samesite=lax${secure}`
    }
  }

  document.addEventListener('click', function (event) {
    for (const [selector, act] of Object.entries(actions)) {
      const button = closest(event, selector)
      if (button) act(button)
    }
    for (const popup of document.querySelectorAll('details[data-popup][open]')) {
      if (!popup.contains(event.target)) popup.open = false
    }
  })

  document.addEventListener('keydown', function (event) {
    const popup = event.key === 'Escape' && closest(event, 'details[data-popup][open]')
    if (popup) {
      popup.open = false
      popup.querySelector('summary').focus()
    }
  })

  document.addEventListener('change', function (event) {
    const form = closest(event, 'form[data-submit-on-change]')
    if (form) form.requestSubmit()
  })

  document.addEventListener('submit', function (event) {
    if (!event.target.matches('form[data-once]')) return
    // After this tick, so that the pressed button's name is still sent.
    setTimeout(() => event.target.querySelectorAll('button').forEach(b => { b.disabled = true }))
  })
  // An address says what was chosen and nothing else; that nothing was chosen is said, too.
  document.addEventListener('formdata', function (event) {
    if (!event.target.matches('form.finder')) return
    for (const [name, value] of [...event.formData]) if (!value) event.formData.delete(name)
    if ([...event.formData].length === 0) event.formData.set('all', '1')
  })
  // Coming back by the browser's button must not find a dead form.
  window.addEventListener('pageshow', function () {
    document.querySelectorAll('form[data-once] button').forEach(b => { b.disabled = false })
  })

  // allauth's passkey scripts say here that the browser, or the person, refused.
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    document.getElementById('passkey-error').hidden = false
  })

  // A money button repeats the amount of its field while that is typed.
  function repeatAmount (field) {
    const rupees = new Intl.NumberFormat('en-IN', { style: 'currency', currency: 'INR' })
    for (const word of document.querySelectorAll('[data-amount-of]')) {
      const source = document.querySelector(word.dataset.amountOf)
      if (field && field !== source) continue
      word.hidden = !/^\d+(\.\d{1,2})?$/.test(source.value)
      word.textContent = rupees.format(source.value || 0)
    }
  }
  document.addEventListener('input', event => repeatAmount(event.target))

  // What is left of the money behind a field's amount, in paise, once that is taken away.
  function showRest () {
    const rupees = new Intl.NumberFormat('en-IN', { style: 'currency', currency: 'INR' })
    for (const line of document.querySelectorAll('[data-rest-of]')) {
      const typed = document.querySelector(line.dataset.restOf).value
      const rest = line.dataset.left - Math.round(typed * 100)
      line.hidden = !/^\d+(\.\d{1,2})?$/.test(typed) || rest < 0
      line.querySelector('.num').textContent = rupees.format(rest / 100)
    }
  }
  document.addEventListener('input', showRest)

  // An amount that is offered fills the field; typing another takes the choice back.
  document.addEventListener('change', function (event) {
    const field = event.target.dataset.fills && document.querySelector(event.target.dataset.fills)
    if (field) field.value = (event.target.value / 100).toFixed(2)
  })
  document.addEventListener('input', function (event) {
    for (const choice of document.querySelectorAll('[data-fills]')) {
      if (event.target.matches(choice.dataset.fills)) choice.checked = false
    }
  })

  // Parts that poll rest while nobody sees the page, and catch up when somebody does.
  const live = event => event.target.closest && event.target.closest('[data-live]')
  document.addEventListener('htmx:beforeRequest', function (event) {
    if (document.hidden && live(event)) event.preventDefault()
  })
  document.addEventListener('visibilitychange', function () {
    if (!document.hidden) document.querySelectorAll('[data-live]').forEach(e => window.htmx.trigger(e, 'wake'))
  })
  // What somebody typed while the answer was on its way stays.
  document.addEventListener('htmx:beforeSwap', function (event) {
    const sent = event.detail.requestConfig.formData
    const typed = field => sent.has(field.name) && field.value !== sent.get(field.name)
    if ([...event.detail.target.querySelectorAll('input')].some(typed)) event.detail.shouldSwap = false
  })
  // An answer from another address is the sign-in page: go there with all of the page.
  document.addEventListener('htmx:beforeSwap', function (event) {
    const paths = event.detail.pathInfo
    if (live(event) && paths.responsePath.split('?')[0] !== paths.requestPath.split('?')[0]) {
      event.preventDefault()
      window.location.reload()
    }
  })

  function reveal () {
    const can = {
      '[data-copy], [data-copy-text]': navigator.clipboard,
      '[data-share]': navigator.share,
      '[data-print], [data-theme-toggle], [data-fill]': true
    }
    for (const [selector, able] of Object.entries(can)) {
      if (able) document.querySelectorAll(selector).forEach(b => { b.hidden = false })
    }
  }
  document.addEventListener('DOMContentLoaded', reveal)
  document.addEventListener('DOMContentLoaded', () => repeatAmount())
  document.addEventListener('DOMContentLoaded', showRest)
  document.addEventListener('htmx:load', reveal)
})()
