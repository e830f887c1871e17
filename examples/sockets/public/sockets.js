/* global io */

/** @param {string} id @param {string} text */
function show(id, text) {
  document.getElementById(id).textContent = text
}

const { user } = await (await fetch('/me')).json()
show('user', user ?? 'nobody')

if (user !== null) {
  const events = new EventSource('/events')
  events.addEventListener('hello', () => show('events', 'open'))
  events.addEventListener('ended', ({ data }) => {
    events.close()
    show('events', `ended: ${data}`)
  })

  const webSocket = new WebSocket('/ws')
  webSocket.addEventListener('message', () => show('ws', 'open'))
  webSocket.addEventListener('close', ({ reason }) => show('ws', `ended: ${reason}`))

  const socket = io()
  socket.on('hello', () => show('socket-io', 'open'))
  socket.on('ended', (reason) => show('socket-io', `ended: ${reason}`))
}
