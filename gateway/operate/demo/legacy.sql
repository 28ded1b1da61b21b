-- A small part of an old ERP's database, as such systems have it: short names, padded text, dates as eight digits.
CREATE TABLE KUNDEN (
    KDNR   CHAR(6) NOT NULL PRIMARY KEY,
    NAME1  VARCHAR(40) NOT NULL,
    NAME2  VARCHAR(40),
    KZSTAT CHAR(1) NOT NULL,
    KREDIT DECIMAL(11,2) NOT NULL,
    EMAIL  VARCHAR(80),
    ANLDAT CHAR(8) NOT NULL,
    AENDTS CHAR(19) NOT NULL
);
INSERT INTO KUNDEN VALUES
    ('100001', 'Müller & Söhne', 'Eisenwaren', 'A', 25000.00, 'Einkauf@Mueller.example', '19980401', '2026-10-02 08:15:00'),
    ('100002', 'Baumarkt Nord', NULL, 'A', 90000.50, NULL, '20011115', '2026-10-05 17:40:12'),
    ('100003', 'Garten Vogel', 'OHG', 'S', 0.00, 'info@vogel.example', '20140228', '2026-11-01 09:00:00'),
    ('100004', 'Werkzeug Lang', NULL, 'X', 1500.75, NULL, '00000000', '2026-11-03 11:22:33');
