import { list, text } from './build.ts';

/** Patterns that more than one part of the schema uses. What a pattern cannot say is a rule in src/plan/rules. */

// No zeros in front: some programs read 010 as eight.
const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';

/** Names from the catalogue: an OS release such as `rocky-9`, a role such as `etcd`. */
export const NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
/** Labels of DNS-1123, joined by dots. */
export const DNS_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;
export const IPV4 = new RegExp(`^${OCTET}(\\.${OCTET}){3}$`);
export const CIDR = new RegExp(`^${OCTET}(\\.${OCTET}){3}/(3[0-2]|[12]?\\d)$`);
const MAC = /^[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}$/;
const SIZE = /^[0-9]+(\.[0-9]+)?[KMGTP]i?B?$/;
const VERSION = /^\d+\.\d+\.\d+$/;
const HOST = '([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:]+\\])';
const PORT = '([1-9]\\d{0,3}|[1-5]\\d{4}|6[0-4]\\d{3}|65[0-4]\\d{2}|655[0-2]\\d|6553[0-5])';
/**
 * No quotes, blanks, `$` or backquotes: a URL stands in shell, kickstart, ini and HCL. No query: more is put behind it.
 */
export const HTTP_URL = new RegExp(
  `^https?://([A-Za-z0-9._~%!&()*+,;=:-]+@)?${HOST}(:${PORT})?(/[A-Za-z0-9._~%!&()*+,;=:@{}/-]*)?$`,
);
/** One that nothing is put behind, and that may have a query: chat services want their token there. */
const WEBHOOK = new RegExp(`${HTTP_URL.source.slice(0, -1)}(\\?[A-Za-z0-9._~%!&()*+,;=:@{}/?-]*)?$`);
/** What hardware says of itself, and what matches it. */
const PRINTABLE = /^[!-~]([ -~]*[!-~])?$/;
const HOST_OR_IP = /^[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?$/;
// Neither `.` nor `..` as a part: a path means one place.
const ABSOLUTE_PATH = /^(\/(?!\.\.?(\/|$))[A-Za-z0-9@%_.:+-]+)+$/;

export const ipv4 = (description: string) => text(description, IPV4, 'an IPv4 address such as 100.64.0.11');
export const cidr = (description: string) => text(description, CIDR, 'an IPv4 range such as 100.64.0.0/20');
export const mac = (description: string) => text(description, MAC, 'a MAC address such as 52:54:00:12:34:56');
export const size = (description: string) =>
  text(description, SIZE, 'a size with a unit, such as 480G (10^9) or 512Gi (2^30)');
export const version = (description: string) =>
  text(description, VERSION, 'a whole version such as 1.31.14, in quotes where YAML would read a number');
export const url = (description: string) => text(description, HTTP_URL, 'an http:// or https:// URL');
export const webhook = (description: string) =>
  text(
    description,
    WEBHOOK,
    'an http:// or https:// URL without quotes, blanks and "$", such as https://alerts.example.com/hook?key=abc',
  );
export const catalogName = (description: string) =>
  text(description, NAME, 'a name of lower-case letters, digits, "-" and "."');
export const server = (description: string) => text(description, HOST_OR_IP, 'a host name or an address');
export const noProxy = (description: string) =>
  text(description, /^\.?[A-Za-z0-9]([A-Za-z0-9./:-]*[A-Za-z0-9])?$/, 'a name, .domain, address or range');
export const mailAddress = (description: string) =>
  text(description, /^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+$/, 'a mail address such as ops@example.com');
export const hostPath = (description: string) =>
  text(description, ABSOLUTE_PATH, 'an absolute path such as /etc/motd');
export const sshKey = (description: string) =>
  text(
    description,
    /^(ssh-(ed25519|rsa)|ecdsa-sha2-nistp(256|384|521)|sk-(ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) [A-Za-z0-9+/]+=* ?[^\n]*$/,
    'one line of an OpenSSH public key file, such as ssh-ed25519 AAAA… name',
  );
export const pattern = (description: string) =>
  text(description, PRINTABLE, 'printable ASCII text on one line');
export const globs = (description: string) =>
  list(description, pattern('A name; * and ? are wildcards.'), { minItems: 1 });
