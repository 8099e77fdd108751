/** Which addresses lie in the open internet: everything else is somebody's inside. */
import ipaddr from 'ipaddr.js';

/** In public ranges, and yet the inside of a cloud: Azure's metadata and DNS. */
const CLOUD_INSIDES = ['168.63.129.16'];
/** All that IANA has given out as global unicast. */
const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether `address` (as text, without brackets) may be fetched from. Refused: loopback, private, link-local (cloud
 * metadata among them), unique local, multicast, unspecified, reserved, documentation, and IPv4 addresses of these
 * kinds wrapped in IPv6, whatever the wrapping (mapped, NAT64; other wrappings as a whole).
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv4) return isPublicV4(parsed);
  // RFC 6052 2.1: NAT64 of the well-known prefix; RFC 4291 2.5.5.2: IPv4-mapped.
  if (parsed.range() === 'rfc6052' || parsed.range() === 'ipv4Mapped') {
    return isPublicV4(new ipaddr.IPv4(parsed.toByteArray().slice(-4)));
  }
  return parsed.range() === 'unicast' && parsed.match(GLOBAL_UNICAST);
}

function isPublicV4(address: ipaddr.IPv4): boolean {
  return address.range() === 'unicast' && !CLOUD_INSIDES.includes(address.toString());
}
