/** Loads the page again when this browser is signed out from afar: what comes then says so. */

const events = new EventSource('/devices/signed-out')
events.addEventListener('signed-out', () => {
  events.close()
  location.reload()
})
