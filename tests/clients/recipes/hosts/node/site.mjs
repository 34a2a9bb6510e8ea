// Serves the Express application of a page's block, which is site.mjs in the working folder, at the port of an argument.
import { pathToFileURL } from 'node:url'

const { default: app } = await import(pathToFileURL('site.mjs'))
app.listen(Number(process.argv[2]), 'localhost')
