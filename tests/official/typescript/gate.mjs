// A TCP relay between a client and the server; it can refuse, so that a client stays away while
// the server is already back.

import { once } from 'node:events'
import { connect, createServer } from 'node:net'

export class Gate {
  refusing = false
  #sockets = new Set()

  static async before(server) {
    const gate = new Gate()
    gate.listener = createServer((client) => gate.#relay(client, server.port))
    gate.listener.listen(0, '127.0.0.1')
    await once(gate.listener, 'listening')
    return gate
  }

  get socketUrl() {
    return `ws://127.0.0.1:${this.listener.address().port}`
  }

  #relay(client, port) {
    if (this.refusing) return client.destroy()
    const server = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => this.#sockets.delete(one))
    }
  }

  close() {
    this.listener.close()
    for (const socket of this.#sockets) socket.destroy()
  }
}
