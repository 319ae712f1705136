package files

// nonblocking is of no use where named pipes are no files.
const nonblocking = 0
