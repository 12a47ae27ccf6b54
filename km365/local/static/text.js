// Text from a bot, made safe: everything is escaped or set as text, and only http(s) addresses become links.

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+[^\s<>"'`.,;:!?)\]}،؛؟。，）]/giu;

/** An http(s) address as the browser understands it, or null. Addresses of the SharePoint site open our own pages. */
export function safeAddress(text) {
  try {
    const url = new URL(text);
    return url.protocol === "http:" || url.protocol === "https:" ? url.href : null;
  } catch {
    return null;
  }
}

/** An element's worth of plain text: lines kept, addresses clickable, `[label](address)` as a link. */
export function textNodes(text) {
  const nodes = [];
  const pattern = new RegExp(String.raw`\[([^\]\n]{1,300})\]\((https?:\/\/[^\s()]+)\)|${ADDRESS.source}`, "giu");
  let end = 0;
  for (const found of text.matchAll(pattern)) {
    const address = safeAddress(found[2] ?? found[0]);
    if (!address) continue;
    nodes.push(document.createTextNode(text.slice(end, found.index)), anchor(address, found[1] ?? found[0]));
    end = found.index + found[0].length;
  }
  nodes.push(document.createTextNode(text.slice(end)));
  return nodes;
}

function anchor(address, label) {
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = label;
  return link;
}

/** The Markdown that Teams allows in cards (bold, italic, links, lists) as HTML. All else is escaped first. */
export function cardMarkdown(text) {
  const blocks = text.split(/\r?\n/).reduce(gather, []);
  return blocks.map(({ list, lines }) => {
    const inner = lines.map(inline);
    return list ? `<${list}><li>${inner.join("</li><li>")}</li></${list}>` : inner.join("<br>");
  }).join("");
}

function gather(blocks, line) {
  const item = /^\s{0,3}([-*+]|\d{1,3}[.)])\s+(.*)$/u.exec(line);
  const list = item ? (/\d/u.test(item[1]) ? "ol" : "ul") : "";
  const last = blocks.at(-1);
  if (last?.list === list) last.lines.push(item ? item[2] : line);
  else blocks.push({ list, lines: [item ? item[2] : line] });
  return blocks;
}

function inline(line) {
  const kept = [];
  const links = line.replace(/\[([^\]]{1,300})\]\(([^\s()]+)\)/gu, (whole, label, to) => {
    const address = safeAddress(to);
    if (!address) return whole;
    kept.push(`<a href="${escape(address)}" target="_blank" rel="noopener noreferrer">${escape(label)}</a>`);
    return `\u0001${kept.length - 1}\u0001`;
  });
  return escape(links)
    .replace(/\*\*(?=\S)(.+?)(?<=\S)\*\*/gu, "<strong>$1</strong>")
    .replace(/(?<![\w*])\*(?=\S)([^*]+?)(?<=\S)\*(?![\w*])/gu, "<em>$1</em>")
    .replace(/(?<!\w)_(?=\S)([^_]+?)(?<=\S)_(?!\w)/gu, "<em>$1</em>")
    .replace(/\u0001(\d+)\u0001/gu, (whole, at) => kept[Number(at)] ?? "");
}

function escape(text) {
  return text.replace(/[&<>"']/gu, (sign) => `&#${sign.charCodeAt(0)};`);
}
