// Keys of the dashboard. Every page works without this file: it only presses what is there.
(function () {
  'use strict'
  const palette = document.getElementById('palette')
  const help = document.getElementById('keys')
  const field = document.getElementById('palette-q')
  if (!palette || !help || !field) return

  const options = () => [...palette.querySelectorAll('[role="option"]')]
  const chosen = () => palette.querySelector('[aria-selected="true"]')

  function choose (option) {
    const before = chosen()
    if (before) before.setAttribute('aria-selected', 'false')
    field.removeAttribute('aria-activedescendant')
    if (!option) return
    option.setAttribute('aria-selected', 'true')
    field.setAttribute('aria-activedescendant', option.id)
    option.scrollIntoView({ block: 'nearest' })
  }

  function open () {
    if (help.open) help.close()
    if (palette.open) return palette.close()
    palette.showModal()
    field.value = ''
    asked = null
    hasty = false
    field.focus()
    window.htmx.trigger(field, 'go')
  }

  function step (by) {
    const all = options()
    if (all.length) choose(all[(all.indexOf(chosen()) + by + all.length) % all.length])
  }

  // What the list was asked for, and whether Enter was pressed before its answer was there.
  let asked = null
  let hasty = false
  palette.addEventListener('htmx:afterSwap', function (event) {
    asked = event.detail.requestConfig.formData.get('q')
    field.setAttribute('aria-expanded', String(options().length > 0))
    choose(options()[0])
    if (asked !== field.value) return
    if (hasty && chosen()) chosen().click()
    hasty = false
  })
  field.addEventListener('keydown', function (event) {
    if (event.isComposing) return
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault()
      step(event.key === 'ArrowDown' ? 1 : -1)
    } else if (event.key === 'Enter') {
      event.preventDefault()
      hasty = asked !== field.value
      if (!hasty && chosen()) chosen().click()
    }
  })
  // A place on this very page leaves the dialog open otherwise.
  palette.addEventListener('click', function (event) {
    if (event.target === palette || event.target.closest('[role="option"]')) palette.close()
  })
  help.addEventListener('click', event => { if (event.target === help) help.close() })
  document.addEventListener('click', function (event) {
    if (!event.target.closest('[data-palette]') || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    open()
  })

  // Who speaks to the machine, or types by accident, can switch the single keys off.
  const lever = help.querySelector('[data-keys-switch]')
  lever.checked = !/(^|; )keys=off/.test(document.cookie)
  lever.addEventListener('change', function () {
    const secure = location.protocol === 'https:' ? '; secure' : ''
    document.cookie = `keys=${lever.checked ? 'on' : 'off'}; path=/; max-age=31536000; samesite=lax${secure}`
  })

  function search () {
    const found = document.querySelector('#main input[type="search"]')
    if (!found) return open()
    found.focus()
    found.select()
  }

  function go (by) {
    const rows = [...document.querySelectorAll('#main .data tbody .row-link, #main [data-rows] .row-link')]
    if (!rows.length) return
    const here = document.activeElement.closest('tr, li')
    const at = rows.findIndex(row => here && here.contains(row))
    const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)]
    next.focus({ focusVisible: true })
    next.scrollIntoView({ block: 'nearest' })
  }

  const keys = {
    '/': search,
    j: () => go(1),
    k: () => go(-1),
    '?': () => help.showModal()
  }
  document.addEventListener('keydown', function (event) {
    if (event.isComposing || event.altKey) return
    if (event.ctrlKey || event.metaKey) {
      if (event.key.toLowerCase() !== 'k' || event.shiftKey) return
      event.preventDefault()
      return open()
    }
    const typing = event.target.closest('input, textarea, select, [contenteditable]')
    if (typing || !lever.checked || document.querySelector('dialog[open]')) return
    const act = keys[event.key]
    if (!act) return
    event.preventDefault()
    act()
  })
})()
