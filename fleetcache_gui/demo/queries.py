"""Texts of live queries: osquery SQL as administrators write it."""

from __future__ import annotations

QUERIES = (
    "SELECT * FROM usb_devices WHERE removable = 1",
    "SELECT name, version, bundle_short_version FROM apps WHERE name LIKE '%Chrome%'",
    "SELECT pid, name, path, on_disk FROM processes WHERE on_disk = 0",
    "SELECT hostname, cpu_brand, physical_memory / 1073741824 AS memory_gib FROM system_info",
    "SELECT name, version FROM deb_packages WHERE name = 'openssl'\n"
    "UNION\n"
    "SELECT name, version FROM rpm_packages WHERE name = 'openssl'",
    "SELECT u.username, l.time, l.host\n"
    "FROM last AS l\n"
    "JOIN users AS u ON u.username = l.username\n"
    "WHERE l.type_name = 'user-process'\n"
    "ORDER BY l.time DESC\n"
    "LIMIT 20",
    "SELECT DISTINCT p.name, l.port, l.address, p.pid\n"
    "FROM listening_ports AS l\n"
    "JOIN processes AS p USING (pid)\n"
    "WHERE l.port <> 0 AND l.address NOT IN ('127.0.0.1', '::1')",
    "SELECT version, build, platform FROM os_version",
    "SELECT * FROM disk_encryption WHERE user_uuid IS NOT '' AND filevault_status = 'on' LIMIT 1",
    "SELECT name, identifier, version, browser_type\n"
    "FROM users CROSS JOIN chrome_extensions USING (uid)\n"
    "WHERE permissions LIKE '%clipboardRead%'",
    "SELECT path, sha256 FROM hash WHERE path LIKE '/usr/local/bin/%%'",
    'SELECT title, kb_id AS "hotfix", installed_on -- Windows hosts only\n'
    "FROM windows_update_history\n"
    "WHERE result_code = 'Failed'",
    "SELECT user, host, fingerprint FROM user_ssh_keys WHERE encrypted = 0",
    "SELECT value FROM plist\n"
    "WHERE path = '/Library/Preferences/com.apple.SoftwareUpdate.plist'\n"
    "  AND key = 'AutomaticallyInstallMacOSUpdates'",
    "WITH battery_wear AS (\n"
    "    SELECT serial_number, cycle_count, 100.0 * max_capacity / designed_capacity AS health\n"
    "    FROM battery\n"
    ")\n"
    "SELECT serial_number, cycle_count, ROUND(health, 1) AS health_percent\n"
    "FROM battery_wear\n"
    "WHERE health < 80",
    "SELECT name, 'Größe: ' || size || ' B – 大小' AS note FROM startup_items",
)
