/**
 * How the embedded PostgreSQL runs: small, socket only, durable. Given on the command line, so that an upgrade changes
 * them without touching a file in the data folder.
 */
export function postgresSettings(socketFolder: string): Readonly<Record<string, string>> {
  return {
    // Never TCP: the bundled OpenSSL is old, and a socket is guarded by the file system.
    listen_addresses: '',
    unix_socket_directories: socketFolder,
    unix_socket_permissions: '0700',

    // Memory. The whole server is to idle within 250 MB, node included.
    shared_buffers: '64MB',
    max_connections: '100', // pools of ten and of four for the program, of six for signing in, of six and of three for each organisation that is asked for, and command-line tools
    max_locks_per_transaction: '256', // a trend over a year touches a table and an index per day
    work_mem: '4MB',
    maintenance_work_mem: '32MB',
    jit: 'off', // our queries are short; compiling them costs more than it saves

    // Few processes: no parallel queries, no replication launcher, no I/O workers (PostgreSQL 18).
    max_parallel_workers_per_gather: '0',
    max_logical_replication_workers: '0',
    max_worker_processes: '2',
    autovacuum_max_workers: '2',
    io_method: 'sync',

    // Durability and its cost. What is committed is on the disk.
    fsync: 'on',
    synchronous_commit: 'on',
    full_page_writes: 'on',
    wal_compression: 'on',
    max_wal_size: '1GB', // bounds the disk used, and with it the recovery after a crash
    min_wal_size: '80MB',
    checkpoint_timeout: '5min',

    // A log without patient data: no statement, no parameter, no DETAIL line with a row's values.
    log_min_error_statement: 'panic',
    log_parameter_max_length: '0',
    log_parameter_max_length_on_error: '0',
    log_error_verbosity: 'terse',
    log_statement: 'none',
    log_checkpoints: 'off',
    log_destination: 'stderr',
    logging_collector: 'off',
    log_line_prefix: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C', // the log is read by a program
  };
}
