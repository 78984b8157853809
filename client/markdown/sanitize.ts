import DOMPurify from 'dompurify'
import { isOwnPicture } from './engine.ts'

const purify = DOMPurify(window)

// The renderer lets no other picture through; this holds even if a rule of it is wrong one day.
purify.addHook('uponSanitizeAttribute', (_node, data) => {
  if (data.attrName === 'src' && !isOwnPicture(data.attrValue)) data.keepAttr = false
  // Columns of a table are aligned by this one property.
  if (data.attrName === 'style' && !/^text-align:\s?(?:left|center|right)$/.test(data.attrValue)) data.keepAttr = false
})

const tags =
  'a b blockquote br button code del div em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strong sub sup table tbody td th thead tr ul'
const attributes = 'href rel target src alt title class loading type start tabindex role aria-label data-copy style'

/** HTML of a rendered block, made safe to insert. */
export function sanitize(html: string): string {
  return purify.sanitize(html, {
    ALLOWED_TAGS: tags.split(' '),
    ALLOWED_ATTR: attributes.split(' '),
    ALLOW_DATA_ATTR: false,
    ADD_ATTR: ['target'],
  })
}
