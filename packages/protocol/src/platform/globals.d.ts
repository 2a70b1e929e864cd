/** What `protocol` uses of the platform beside ECMAScript: present in Node and in browsers, declared here because it knows neither. */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}
declare class TextDecoder {
  constructor(label: 'utf-8', options: { fatal: boolean; ignoreBOM: boolean })
  decode(octets: Uint8Array): string
}
