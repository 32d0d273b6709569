import MarkdownIt from 'markdown-it';

/** Renders what authors write: no HTML of theirs, no picture from anywhere, links that carry nothing of the reader. */
const markdown = new MarkdownIt({ html: false, linkify: false, typographer: false });
const ADDRESS = /^(?:https?:\/\/|#)/iu;

markdown.validateLink = (address) => ADDRESS.test(address.trim());
markdown.renderer.rules['image'] = (tokens, index) => {
  const text = tokens[index]?.content ?? '';
  return `<em>[${markdown.utils.escapeHtml(text)}]</em>`;
};
markdown.renderer.rules['link_open'] = (tokens, index, options, _env, renderer) => {
  tokens[index]?.attrSet('rel', 'noopener noreferrer nofollow ugc');
  return renderer.renderToken(tokens, index, options);
};

export function renderMarkdown(text: string): string {
  return markdown.render(text);
}

export const escapeHtml = (text: string): string => markdown.utils.escapeHtml(text);
