// What jsdom lacks and the component library asks for.

globalThis.matchMedia ??= (query: string) => ({
  matches: false,
  media: query,
  onchange: null,
  addListener: () => {},
  removeListener: () => {},
  addEventListener: () => {},
  removeEventListener: () => {},
  dispatchEvent: () => false,
})

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
globalThis.ResizeObserver ??= Observer as unknown as typeof ResizeObserver
globalThis.scrollTo = () => {}
Element.prototype.scrollIntoView ??= () => {}

/** Never connects: live parts are tested in a real browser. */
class Silent extends EventTarget {
  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSED = 2
  readyState = 0
  close() {}
}
globalThis.EventSource ??= Silent as unknown as typeof EventSource
