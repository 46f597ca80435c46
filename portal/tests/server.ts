import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The password of the administrator that each server is started with. */
export const PASSWORD = 'correct horse battery staple'
/** The administrator. */
export const ADMIN = 'admin@localhost'

const HERE = dirname(fileURLToPath(import.meta.url))
const READY = 60_000

/** What the API answers to. */
type Body = Record<string, unknown>

/** The real binary with a data directory of its own. */
export class Server {
  readonly directory = mkdtempSync(join(tmpdir(), 'twinkey-portal-'))
  url = ''
  private process: ChildProcess | undefined
  private programs: Program[] = []
  private admin = ''

  static async start(...settings: string[]): Promise<Server> {
    const server = new Server()
    await server.run('127.0.0.1:0', settings)
    return server
  }

  /** Ends it and starts it again on the same port and data. */
  async restart(meanwhile?: () => Promise<void>): Promise<void> {
    await this.end()
    await meanwhile?.()
    await this.run(new URL(this.url).host, [])
  }

  private async run(listen: string, settings: string[]): Promise<void> {
    const binary = process.env.TWINKEY_BIN
    if (binary === undefined) throw new Error('set TWINKEY_BIN to the binary under test')
    const data = join(this.directory, 'data')
    const endpoints = join(data, 'endpoints.json')
    rmSync(endpoints, { force: true })
    const fixed = ['--data-dir', data, '--listen', listen, '--broker-listen', '127.0.0.1:0']
    const child = spawn(binary, ['serve', ...fixed, ...settings], {
      env: { ...process.env, TWINKEY_ADMIN_PASSWORD: PASSWORD },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log = createWriteStream(join(this.directory, 'server.log'), { flags: 'a' })
    child.stdout?.pipe(log)
    child.stderr?.pipe(log)
    this.process = child
    const deadline = Date.now() + READY
    while (!existsSync(endpoints)) {
      if (child.exitCode !== null || Date.now() > deadline)
        throw new Error(`the server does not start:\n${this.log()}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    this.url = (JSON.parse(readFileSync(endpoints, 'utf8')) as { url: string }).url
  }

  log(): string {
    return readFileSync(join(this.directory, 'server.log'), 'utf8')
  }

  /** A request as somebody, the administrator if nobody is named; fails on a refusal. */
  async api(method: string, path: string, body?: Body, as?: string): Promise<Body> {
    const answer = await this.ask(method, path, body, as ?? (await this.signIn(ADMIN, PASSWORD)))
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? {} : (JSON.parse(text) as Body)
  }

  /** The same, with whatever comes of it. */
  ask(method: string, path: string, body?: Body, token?: string): Promise<Response> {
    return fetch(this.url + path, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  }

  private async signIn(email: string, password: string): Promise<string> {
    if (this.admin === '') {
      const answer = await this.ask('POST', '/auth/sign-in', { email, password })
      this.admin = ((await answer.json()) as { token: string }).token
    }
    return this.admin
  }

  /** The value of a token. */
  async token(workspace: string, slot: 'current' | 'next'): Promise<string> {
    return (await this.api('POST', `/workspaces/${workspace}/tokens/${slot}/reveal`)).value as string
  }

  /** Makes an account with this role in the organisation, by an invitation, and returns its address. */
  async person(role: string): Promise<string> {
    const email = `${role.toLowerCase()}@example.org`
    const made = await this.api('POST', '/organisations/current/invitations', { email, role })
    const secret = (made.link as string).split('#')[1]
    const accepted = await this.ask('POST', '/invitations/accept', { secret, name: role, password: PASSWORD })
    if (!accepted.ok) throw new Error(await accepted.text())
    return email
  }

  /** A real quixstreams service that streams with this token until it is stopped. */
  service(name: string, workspace: string, token: string, ...args: string[]): Program {
    const program = new Program([join(HERE, 'service.py'), name, ...args], {
      Quix__Sdk__Token: token,
      Quix__Portal__Api: this.url,
      Quix__Workspace__Id: workspace,
    })
    this.programs.push(program)
    return program
  }

  /** Ends the process and what streams against it. */
  async stop(): Promise<void> {
    for (const program of this.programs) program.stop()
    await this.end()
    const log = this.log()
    rmSync(this.directory, { recursive: true, force: true })
    if (log.includes('panicked')) throw new Error(`the server panicked:\n${log}`)
  }

  private async end(): Promise<void> {
    const child = this.process
    if (child === undefined || child.exitCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

/** A client program in Python, with the real library. */
export class Program {
  output = ''
  private readonly process: ChildProcess

  constructor(args: string[], variables: Record<string, string>) {
    this.process = spawn(python(), args, { env: { ...process.env, ...variables, PYTHONUNBUFFERED: '1' } })
    const take = (bytes: Buffer) => {
      this.output += bytes.toString()
    }
    this.process.stdout?.on('data', take)
    this.process.stderr?.on('data', take)
  }

  stop(): void {
    this.process.kill('SIGKILL')
  }

  /** The exit code, once it has ended. */
  ended(): Promise<number | null> {
    if (this.process.exitCode !== null) return Promise.resolve(this.process.exitCode)
    return new Promise((resolve) => this.process.once('exit', resolve))
  }
}

let found: string | undefined

/** The Python of compat/ that has quixstreams 3.x. */
export function python(): string {
  found ??= execFileSync('python3', ['-c', "from harness import venvs; print(venvs.ensure('quixstreams'))"], {
    cwd: join(HERE, '../../compat'),
  })
    .toString()
    .trim()
  return found
}
