/** The shared worker: one connection for all tabs of a browser, closed while none of them is looked at. */
import { EventStream, type StreamMessage } from './stream'

interface SharedScope {
  onconnect: ((event: MessageEvent) => void) | null
}

const awake = new Set<MessagePort>()
const ports = new Set<MessagePort>()
let stream: EventStream | null = null

function tellAll(message: StreamMessage): void {
  for (const port of ports) port.postMessage(message)
}

function hear(port: MessagePort, message: { kind: string; url?: string }): void {
  if (message.kind === 'bye') {
    ports.delete(port)
    awake.delete(port)
  } else if (message.kind === 'sleep') {
    awake.delete(port)
  } else {
    ports.add(port)
    awake.add(port)
    if (message.url && !stream) stream = new EventStream(message.url, tellAll)
    stream?.open()
    if (stream) port.postMessage(stream.report())
  }
  if (awake.size === 0) stream?.close()
}

;(self as unknown as SharedScope).onconnect = (event) => {
  const port = event.ports[0]
  if (!port) return
  port.onmessage = (message: MessageEvent<{ kind: string; url?: string }>) => hear(port, message.data)
  port.start()
}
