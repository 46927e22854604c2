/** Where browsers tell what a page's policy refused. */
export const CSP_REPORTS = '/api/csp-reports';

/** The one worker there is: what the browser's push service wakes. */
export const PUSH_WORKER = '/push-worker.js';

/**
 * The Content-Security-Policy (level 3) of the app's page. It may run only what carries this answer's nonce and what
 * that loads, speak only to us, be framed by nobody, and make markup or scripts of text only by its own `default` policy
 * (Trusted Types), which takes neither. Styles set from script through the CSSOM are not inline styles; style elements
 * need the nonce.
 */
export function pagePolicy(nonce: string): string {
  return [
    "default-src 'none'",
    `script-src 'nonce-${nonce}' 'strict-dynamic'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
    // The Reporting API where there is one; the older way elsewhere.
    'report-to csp',
    `report-uri ${CSP_REPORTS}`,
  ].join('; ');
}
