import { homedir } from 'node:os';
import { isAbsolute } from 'node:path';
import { unfit, type SecretUse } from '@runtime-hub/plugin-sdk/contract';
import { revealed } from '../secrets/secret-use.ts';

export interface Environment {
  readonly values: Readonly<Record<string, string>>;
  /** True when a secret is among them. */
  readonly secret: boolean;
}

type Asked = Readonly<Record<string, string | SecretUse>>;

/** Names by which a program, or what runs it, is made to load code or start programs of the caller's choice. */
const LOADING = [
  // The dynamic loader and the C library.
  /^(?:LD|DYLD|GLIBC)_/u,
  /^(?:GCONV_PATH|LOCPATH|NLSPATH|MALLOC_|HOSTALIASES$|RESOLV_HOST_CONF$)/u,
  // What every program gets from the hub alone.
  /^(?:PATH|HOME|PWD|OLDPWD|XAUTHORITY|XDG_CONFIG_\w+|XDG_DATA_DIRS|USERPROFILE|APPDATA|LOCALAPPDATA|SYSTEMROOT|WINDIR|COMSPEC|PATHEXT|PSMODULEPATH)$/u,
  // Shells.
  /^(?:BASH_\w+|ENV|ZDOTDIR|SHELLOPTS|BASHOPTS|PS[0-4]|PROMPT_COMMAND|IFS|CDPATH|FPATH|SHELL)$/u,
  // Interpreters.
  /^(?:NODE|NPM_CONFIG|BUN|DENO|ELECTRON|PYTHON|PERL|RUBY|GEM|BUNDLE|PHP|LUA|TCL|GUILE|JULIA|R_PROFILE|R_ENVIRON|JAVA|JDK|CLASSPATH|DOTNET|CORECLR|COR|COMPLUS|MONO|ERL|GO)(?:_|$)/u,
  /^(?:PYTHON|PERL|RUBY|LUA|PHP)[A-Z0-9]/u,
  /^_JAVA_OPTIONS$/u,
  // Modules of libraries that many programs use.
  /^(?:OPENSSL|SSLKEYLOGFILE|QT|GTK|GDK|GIO|GST|WAYLAND|VK|MESA|WINE\w*|TERMINFO|TERMCAP)(?:_|$)/u,
  // Helpers that programs start by name.
  /^(?:GIT|SSH|SUDO)_/u,
  /^(?:\w*PAGER|\w*EDITOR|VISUAL|BROWSER|\w*ASKPASS|LESSOPEN|LESSCLOSE|MAKEFLAGS|MAKEFILES|CURL_HOME|WGETRC|TAR_OPTIONS|RSYNC_RSH|CVS_RSH)$/u,
];

/** Of those names the ones that only say how to speak, or who. */
const HARMLESS =
  /^(?:NODE_ENV|NODE_NO_WARNINGS|PYTHON(?:UNBUFFERED|IOENCODING|UTF8|DONTWRITEBYTECODE|HASHSEED)|GIT_(?:(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)|TERMINAL_PROMPT)|SSH_AUTH_SOCK|JAVA_HOME|R_HOME)$/u;

/**
 * The whole environment of a program: the hub's little, and what was asked for, with secrets in their places.
 * Throws STEP_INPUT_INVALID for names that make programs load code, SECRET_NOT_FOUND.
 */
export function environmentFor(
  asked: Asked,
  options: { readonly display: string | null; readonly reveal: (name: string) => string },
): Environment {
  for (const [name, value] of Object.entries(asked)) requireHarmless(name, value);
  const given = Object.entries(asked).map(
    ([name, value]) =>
      [name, typeof value === 'string' ? value : revealed(value, options)] as const,
  );
  const secret = Object.values(asked).some((it) => typeof it !== 'string');
  const late = given.find(([, value]) => value.includes('\0'));
  if (late !== undefined) throw unfit(`/env/${late[0]}`, 'has a NUL', 'Take it out.');
  return { values: { ...basics(options.display), ...Object.fromEntries(given) }, secret };
}

function requireHarmless(name: string, value: string | SecretUse): void {
  const upper = name.toUpperCase();
  if (!HARMLESS.test(upper) && LOADING.some((it) => it.test(upper))) {
    throw unfit(`/env/${name}`, 'changes what a program loads or starts', 'Leave it out.');
  }
  if (typeof value === 'string' && value.includes('\0'))
    throw unfit(`/env/${name}`, 'has a NUL', 'Take it out.');
}

/** What a program cannot do without on Windows. */
const WINDOWS = ['SystemRoot', 'SystemDrive', 'TEMP', 'TMP', 'PATHEXT', 'USERPROFILE'];

function basics(display: string | null): Readonly<Record<string, string>> {
  const own = process.env;
  const windows = process.platform === 'win32' ? WINDOWS : [];
  return {
    PATH: searchPath(own['PATH'] ?? ''),
    HOME: homedir(),
    LANG: own['LANG'] ?? 'C.UTF-8',
    ...(display === null ? {} : { DISPLAY: display }),
    ...Object.fromEntries(
      windows.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]]])),
    ),
  };
}

/** The hub's own, without what is relative or belongs to the hub's packages. */
function searchPath(own: string): string {
  const separator = process.platform === 'win32' ? ';' : ':';
  const folders = own
    .split(separator)
    .filter((it) => isAbsolute(it) && !/[\\/]node_modules[\\/]/u.test(it));
  return folders.length === 0 ? '/usr/local/bin:/usr/bin:/bin' : folders.join(separator);
}
