import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

/** The folder in node_modules of the package that a module belongs to; null for the page's own. */
function packageFolder(moduleId: string): string | null {
  const path = moduleId.split("?")[0].replace(/^\0/, "");
  if (!path.includes("/node_modules/")) {
    return null;
  }
  // A nested package.json that only sets the module type has no name.
  for (let folder = dirname(path); folder.includes("/node_modules/"); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest) && JSON.parse(readFileSync(manifest, "utf8")).version) {
      return folder;
    }
  }
  return null;
}

function notice(folder: string): [string, string] {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice|third-?party-?notices)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").replaceAll("\r\n", "\n").trim());
  const title = `${name} ${version} (${license})`;
  return [title, [title, "-".repeat(title.length), ...texts].join("\n\n")];
}

/**
 * Writes LICENSES.txt: name, version and licence text of every package that the page or one of its
 * workers is built from. `collect` belongs to every build, `emit` to the last.
 */
export function licenses(): { collect: () => Plugin; emit: () => Plugin } {
  const folders = new Set<string>();
  return {
    collect: () => ({
      name: "collect-licenses",
      moduleParsed({ id }) {
        const folder = packageFolder(id);
        if (folder) {
          folders.add(folder);
        }
      },
    }),
    emit: () => ({
      name: "emit-licenses",
      generateBundle() {
        const notices = new Map([...folders].map(notice));
        const source = [...notices.keys()].sort().map((title) => notices.get(title)).join("\n\n\n");
        this.emitFile({ type: "asset", fileName: "LICENSES.txt", source: `${source}\n` });
      },
    }),
  };
}
