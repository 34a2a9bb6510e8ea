// Serves the Express application of a page's block, which is site.mjs in the working folder, at the port of an argument.
// `/refresh` is the test's own: it refreshes the tokens of express-openid-connect, and says if the access token changed.
import { pathToFileURL } from 'node:url'

const { default: app } = await import(pathToFileURL('site.mjs'))
app.get('/refresh', async (request, response) => {
  const before = request.oidc.accessToken.access_token
  const { access_token } = await request.oidc.accessToken.refresh()
  response.json({ changed: access_token !== before })
})
app.listen(Number(process.argv[2]), 'localhost')
