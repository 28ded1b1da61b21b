-- the session
ALTER SESSION SET NLS_NUMERIC_CHARACTERS = '.,'
ALTER SESSION SET NLS_CALENDAR = 'GREGORIAN'
ALTER SESSION SET NLS_SORT = BINARY
ALTER SESSION SET NLS_COMP = BINARY
ALTER SESSION SET TIME_ZONE = '+00:00'
ALTER SESSION SET READ_ONLY = TRUE -- if it can

-- a page
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, r."NAME" c3, TO_CHAR(r."AMOUNT", 'TM9') c4, LTRIM(TO_CHAR(r."STAMP", 'SYYYY-MM-DD HH24:MI:SS.FF9')) c5, RAWTOHEX(r."PHOTO") c6, r."LINE" c7, TO_CHAR(r."NO", 'TM9') c8 FROM "ERP"."ORDERS" r ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- the page after it
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE (r."LINE" > CAST(? AS CHAR(2000)) OR r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" > TO_NUMBER(?)) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- backwards
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE (r."LINE" < CAST(? AS CHAR(2000)) OR r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" < TO_NUMBER(?)) ORDER BY r."LINE" DESC, r."NO" DESC) WHERE ROWNUM <= 101

-- sorted by what may be missing
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, LTRIM(TO_CHAR(r."STAMP", 'SYYYY-MM-DD HH24:MI:SS.FF9')) c2, r."LINE" c3, TO_CHAR(r."NO", 'TM9') c4 FROM "ERP"."ORDERS" r WHERE ((r."STAMP" > TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') OR r."STAMP" IS NULL) OR r."STAMP" = TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') AND r."LINE" > CAST(? AS CHAR(2000)) OR r."STAMP" = TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') AND r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" > TO_NUMBER(?)) ORDER BY r."STAMP", r."LINE", r."NO") WHERE ROWNUM <= 101

-- sorted by what may be missing, after one that is
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, LTRIM(TO_CHAR(r."STAMP", 'SYYYY-MM-DD HH24:MI:SS.FF9')) c2, r."LINE" c3, TO_CHAR(r."NO", 'TM9') c4 FROM "ERP"."ORDERS" r WHERE (r."STAMP" IS NULL AND r."LINE" > CAST(? AS CHAR(2000)) OR r."STAMP" IS NULL AND r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" > TO_NUMBER(?)) ORDER BY r."STAMP", r."LINE", r."NO") WHERE ROWNUM <= 101

-- sorted by what may be missing, backwards
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, LTRIM(TO_CHAR(r."STAMP", 'SYYYY-MM-DD HH24:MI:SS.FF9')) c2, r."LINE" c3, TO_CHAR(r."NO", 'TM9') c4 FROM "ERP"."ORDERS" r WHERE (r."STAMP" < TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') OR r."STAMP" = TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') AND r."LINE" < CAST(? AS CHAR(2000)) OR r."STAMP" = TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') AND r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" < TO_NUMBER(?)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC) WHERE ROWNUM <= 101

-- sorted by what may be missing, backwards, after one that is
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, LTRIM(TO_CHAR(r."STAMP", 'SYYYY-MM-DD HH24:MI:SS.FF9')) c2, r."LINE" c3, TO_CHAR(r."NO", 'TM9') c4 FROM "ERP"."ORDERS" r WHERE (r."STAMP" IS NOT NULL OR r."STAMP" IS NULL AND r."LINE" < CAST(? AS CHAR(2000)) OR r."STAMP" IS NULL AND r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" < TO_NUMBER(?)) ORDER BY r."STAMP" DESC, r."LINE" DESC, r."NO" DESC) WHERE ROWNUM <= 101

-- a row by its key
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1 FROM "ERP"."ORDERS" r WHERE r."LINE" = CAST(? AS CHAR(2000)) AND r."NO" = TO_NUMBER(?)) WHERE ROWNUM <= 101

-- a number, eq
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" = TO_NUMBER(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, ne
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" <> TO_NUMBER(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, gt
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" > TO_NUMBER(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, gte
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" >= TO_NUMBER(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, lt
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" < TO_NUMBER(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, lte
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" <= TO_NUMBER(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, in
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IN (TO_NUMBER(?), TO_NUMBER(?)) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, isnull
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IS NULL ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a number, notnull
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."AMOUNT" IS NOT NULL ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a text, eq
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."NAME" = CAST(? AS VARCHAR2(4000)) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a text, in
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."NAME" IN (CAST(? AS VARCHAR2(4000)), CAST(? AS VARCHAR2(4000))) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a text, contains
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE INSTR(r."NAME", ?) > 0 ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a text, startswith
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE INSTR(r."NAME", ?) = 1 ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- a time, gte
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."STAMP" >= TO_TIMESTAMP(?, 'SYYYY-MM-DD HH24:MI:SS.FF') ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- bytes, eq
SELECT * FROM (SELECT TO_CHAR(r."NO", 'TM9') c1, r."LINE" c2, TO_CHAR(r."NO", 'TM9') c3 FROM "ERP"."ORDERS" r WHERE r."PHOTO" = HEXTORAW(?) ORDER BY r."LINE", r."NO") WHERE ROWNUM <= 101

-- the tables
SELECT o.owner, o.object_name, CASE WHEN o.owner = SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') THEN '1' ELSE '0' END FROM all_objects o WHERE o.object_type IN ('TABLE', 'VIEW') AND o.owner NOT IN ('SYS', 'SYSTEM', 'XDB', 'MDSYS', 'CTXSYS', 'WMSYS', 'ORDSYS', 'ORDDATA', 'ORDPLUGINS', 'OLAPSYS', 'DBSNMP', 'OUTLN', 'APPQOSSYS', 'GSMADMIN_INTERNAL', 'LBACSYS', 'DVSYS', 'AUDSYS', 'OJVMSYS', 'EXFSYS', 'SYSMAN', 'DBSFWUSER', 'REMOTE_SCHEDULER_AGENT', 'SI_INFORMTN_SCHEMA', 'PUBLIC') AND o.owner NOT LIKE 'APEX%' AND o.owner NOT LIKE 'FLOWS%' AND o.object_name NOT LIKE 'BIN$%' ORDER BY 1, 2

-- the columns of a table
SELECT c.column_name, CASE WHEN c.data_type = 'NUMBER' AND c.data_scale IS NOT NULL THEN 'NUMBER(' || NVL(TO_CHAR(c.data_precision), '*') || ',' || TO_CHAR(c.data_scale) || ')' WHEN c.data_type IN ('CHAR', 'VARCHAR2', 'NCHAR', 'NVARCHAR2') THEN c.data_type || '(' || TO_CHAR(c.char_length) || ')' ELSE c.data_type END, '', CASE c.nullable WHEN 'Y' THEN '1' ELSE '0' END, TO_CHAR(NVL(k.position, 0)) FROM all_tab_columns c LEFT JOIN (SELECT p.owner, p.table_name, q.column_name, q.position FROM all_constraints p JOIN all_cons_columns q ON q.owner = p.owner AND q.constraint_name = p.constraint_name WHERE p.constraint_type = 'P') k ON k.owner = c.owner AND k.table_name = c.table_name AND k.column_name = c.column_name WHERE c.table_name = ? AND c.owner = ? ORDER BY c.column_id
