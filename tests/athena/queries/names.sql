-- Names of columns and tables: as they are written, none where there is none, and what a name means.
SELECT ID FROM nested
SELECT Id AS Foo, ID FROM nested
SELECT N.ID FROM nested N
SELECT _col0 FROM (SELECT 1 + 1)
SELECT _col0 FROM (SELECT 1 + 1) AS t
SELECT * FROM (SELECT 1 + 1, 2 AS x)
SELECT * FROM (VALUES 1, 2)
SELECT _col0 FROM (VALUES 1, 2)
SELECT _unnest0 FROM UNNEST(ARRAY[1, 2])
WITH w AS (SELECT 1 + 1) SELECT _col0 FROM w
WITH w AS (SELECT ID FROM nested) SELECT * FROM w
SELECT id FROM (SELECT ID FROM nested)
SELECT lake.nested.id FROM lake.nested
SELECT awsdatacatalog.lake.nested.id FROM awsdatacatalog.lake.nested
SELECT awsdatacatalog.lake.nested.person.name FROM awsdatacatalog.lake.nested
SELECT lake.nested.id FROM awsdatacatalog.lake.nested
SELECT nested.id FROM awsdatacatalog.lake.nested
SELECT awsdatacatalog.lake.nested.id FROM lake.nested
SELECT lake.nested.person.name FROM lake.nested
SELECT lake.n.id FROM lake.nested n
SELECT lake.nested.* FROM lake.nested
SELECT lake.nested.* FROM nested
SELECT 1 UNION SELECT 2 ORDER BY _col0
SELECT 1 + 1 ORDER BY _col0
SELECT * FROM (SELECT 1 + 1, 1 + 2) t(a, b)
SELECT Carrier, COUNT(*) AS Number FROM flights GROUP BY Carrier ORDER BY NUMBER, carrier
SELECT a.CARRIER, CARRIER FROM airlines a JOIN flights USING (Carrier) ORDER BY 1
SELECT Carrier, count(*) FROM airlines JOIN flights USING (Carrier) GROUP BY Carrier ORDER BY 1
SELECT * FROM airlines JOIN (SELECT Carrier, Name AS Twice FROM airlines) USING (CARRIER) ORDER BY carrier
SELECT Id FROM kinds UNION SELECT 7 ORDER BY ID
SELECT "Id", "ID" FROM kinds
SELECT t.* FROM kinds AS T ORDER BY id
SELECT T.Id FROM kinds AS t ORDER BY T.iD
SELECT X + 1 AS Y FROM (VALUES (1)) AS T(X)
SELECT * FROM (VALUES (1, 2)) AS t(A, b)
SELECT * FROM (SELECT id AS "A B", id + 1 FROM kinds WHERE id = 1)
WITH W(One, Two) AS (SELECT 1, 2) SELECT * FROM w
WITH W AS (SELECT 1, 2) SELECT * FROM w
SELECT * FROM UNNEST(ARRAY['a'], ARRAY[1, 2]) WITH ORDINALITY AS t(Letter, Digit, Place)
SELECT (1), (id) FROM kinds WHERE id = 1
SELECT ((id)) FROM kinds WHERE id = 1
SELECT -id, NOT yes FROM kinds WHERE id = 1
SELECT CAST(id AS bigint), (SELECT max(id) FROM kinds) FROM kinds WHERE id = 1
SELECT kinds.id FROM kinds k
SELECT kinds.* FROM kinds k
SELECT Lake.Kinds.Id FROM Lake.Kinds WHERE LAKE.KINDS.ID = 1
SELECT awsdatacatalog.lake.kinds.* FROM lake.kinds
SELECT k.id FROM kinds k, kinds l WHERE k.id = l.id AND id = 1
SELECT id FROM kinds ORDER BY kinds.id
SELECT id AS other FROM kinds ORDER BY kinds.other
