"""Azure: machines, scale sets, storage accounts and their metrics, read with Microsoft's own clients."""
