// A real OpenID provider on loopback, for tests: node provider.mjs '{"keys": […], "shown": […], "port": 0}'
// keys: the JWK set that it signs with; shown: the one that it shows instead; port: 0 for any.
// Says its issuer on a line that begins with "says". Everybody is who they say they are, with any password.
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { keys, shown, port = 0 } = JSON.parse(process.argv[2]);
const server = createServer();
server.listen(port, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const client = {
    client_id: 'recording-controller',
    client_secret: 'an invented secret: + & %',
    redirect_uris: ['http://127.0.0.1/login/openid/callback'], // on any port, since it is a native application's
    application_type: 'native',
    grant_types: ['authorization_code'],
    response_types: ['code'],
  };
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [client, { ...client, client_id: 'by-post', token_endpoint_auth_method: 'client_secret_post' }],
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    cookies: { keys: ['an invented key of cookies'] },
    pkce: { methods: ['S256'], required: () => true },
    claims: { profile: ['preferred_username'] },
    findAccount: (_ctx, id) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: `${id}@exemple.example` }),
    }),
    ttl: { Grant: 3600, Interaction: 3600, Session: 3600, AccessToken: 3600, IdToken: 3600 },
  });
  if (shown) {
    provider.use(async (ctx, next) => {
      await next();
      if (ctx.path === '/jwks') ctx.body = { keys: shown };
    });
  }
  server.on('request', provider.callback());
  console.log(`says ${issuer}`);
});
