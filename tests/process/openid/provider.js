// An OpenID provider made of oidc-provider: whoever logs in is the account that the login name says, without asking.
// Told by its arguments: port, redirect URI, how the client proves itself. Signs with RS256 or ES256, and turns its
// keys over at POST /turn-over.
import { createRequire } from 'node:module'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import http from 'node:http'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const modules = process.env.MODULES
const entry = createRequire(path.join(modules, 'x.js')).resolve('oidc-provider')
const { Provider } = await import(pathToFileURL(entry))

const [port, redirect, method, algorithm] = process.argv.slice(2)
const issuer = `http://127.0.0.1:${port}`
const people = JSON.parse(process.env.PEOPLE)

function newKey() {
  const { privateKey } = algorithm === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return { ...privateKey.export({ format: 'jwk' }), kid: randomUUID(), use: 'sig', alg: algorithm }
}

function made() {
  const provider = new Provider(issuer, {
    clients: [{
      client_id: 'heliograph',
      ...(method === 'none' ? {} : { client_secret: 'a secret: 100% / + of ours' }),
      redirect_uris: [redirect],
      token_endpoint_auth_method: method,
      id_token_signed_response_alg: algorithm,
    }],
    jwks: { keys: [newKey()] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
    conformIdTokenClaims: true, // the address only stands in userinfo
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['not a secret'] },
    interactions: { url: (ctx, interaction) => `/as/${interaction.uid}` },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
      })
      grant.addOIDCScope('openid email profile')
      await grant.save()
      return grant
    },
  })
  provider.on('server_error', (ctx, error) => console.error(error))
  return provider
}

let provider = made()
let callback = provider.callback()

http.createServer(async (request, response) => {
  if (request.url === '/turn-over') {
    provider = made()
    callback = provider.callback()
    response.end()
  } else if (request.url.startsWith('/as/')) {
    // The person: a cookie that the test has set says who is at the keyboard.
    const who = /who=(\w+)/.exec(request.headers.cookie || '')
    const result = who
      ? { login: { accountId: who[1] } }
      : { error: 'access_denied', error_description: 'went away' }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false })
  } else {
    callback(request, response)
  }
}).listen(Number(port), '127.0.0.1', () => console.log('ready'))
process.stdin.on('end', () => process.exit(0)).resume()
