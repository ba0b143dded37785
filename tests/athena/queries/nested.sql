-- Structs, lists and maps in each other.
SELECT person, items, labels, people, grid, times FROM nested ORDER BY id
SELECT id, person.name, person.born.year, person.born.at FROM nested ORDER BY id
SELECT n.person.name, nested_id FROM (SELECT person, id AS nested_id FROM nested) n ORDER BY nested_id
SELECT nested.person.born.year FROM nested WHERE nested.person.name = 'Ada'
SELECT lake.nested.id, lake.nested.person.name FROM nested ORDER BY lake.nested.id
SELECT lake.n.id FROM nested n
SELECT other.nested.id FROM nested
SELECT person.nothing FROM nested
SELECT person.name.first FROM nested
SELECT id.person FROM nested
SELECT upper(person.name), person.born.year + 1, person.born.year / 2 FROM nested WHERE person.born IS NOT NULL
SELECT count(*), person.born.year FROM nested GROUP BY person.born.year
SELECT person.name FROM nested GROUP BY person.name ORDER BY person.name
SELECT person.name FROM nested GROUP BY person.born.year
SELECT max(person.born.year), min(person.name) FROM nested
SELECT id, items[1].sku FROM nested WHERE cardinality(items) > 0
SELECT id, element_at(items, 1).price, element_at(items, 2).price, element_at(items, 9).price FROM nested ORDER BY id
SELECT id, labels['k'] FROM nested WHERE id = 1
SELECT id, labels['nothing'] FROM nested WHERE id = 1
SELECT id, element_at(labels, 'k'), element_at(people, 'p').born.year FROM nested ORDER BY id
SELECT people['p'].name FROM nested WHERE id = 1
SELECT id, sku, count, price FROM nested CROSS JOIN UNNEST(items) AS t(sku, count, price) ORDER BY id
SELECT id, t.sku FROM nested CROSS JOIN UNNEST(items) AS t ORDER BY id
SELECT id, sku, place FROM nested CROSS JOIN UNNEST(items) WITH ORDINALITY AS t(sku, count, price, place) ORDER BY id, place
SELECT id, sku FROM nested LEFT JOIN UNNEST(items) AS t(sku, count, price) ON TRUE ORDER BY id, sku
SELECT id, sku FROM nested CROSS JOIN UNNEST(items) AS t(sku) ORDER BY id
SELECT id, k, v FROM nested CROSS JOIN UNNEST(labels) AS t(k, v) ORDER BY id, k
SELECT id, k, v.name, v.born.year FROM nested CROSS JOIN UNNEST(people) AS t(k, v) ORDER BY id, k
SELECT id, one, two FROM nested CROSS JOIN UNNEST(grid) AS t(one) CROSS JOIN UNNEST(one) AS u(two) ORDER BY id, two
SELECT sum(count * price) FROM nested CROSS JOIN UNNEST(items)
SELECT transform(items, i -> i.sku), filter(items, i -> i.count > 1) FROM nested ORDER BY id
SELECT transform(grid, g -> cardinality(g)) FROM nested ORDER BY id
SELECT map_keys(labels), map_values(labels), cardinality(labels) FROM nested ORDER BY id
SELECT (id), (person).name, (person.born).year FROM nested ORDER BY id
SELECT person['name'] FROM nested
SELECT person.* FROM nested
SELECT person = person FROM nested
SELECT id FROM nested ORDER BY person
SELECT DISTINCT person FROM nested
SELECT lower(person) FROM nested
SELECT person || 'x' FROM nested
SELECT CAST(person AS varchar) FROM nested
SELECT coalesce(person.name, 'nobody'), IF(person IS NULL, 1, 2) FROM nested ORDER BY id
SELECT p FROM (SELECT person.name AS p FROM nested) WHERE p LIKE 'A%'
SELECT n.id FROM nested n JOIN nested m ON n.person.name = m.person.name
SELECT times[1], element_at(times, 2) FROM nested WHERE id = 1
SELECT person.born.at FROM nested WHERE person.born.at > TIMESTAMP '2013-01-01 00:00:00'
SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'nested' ORDER BY 1
SHOW COLUMNS FROM nested
DESCRIBE nested
SELECT typeof(person), typeof(items), typeof(labels) FROM nested WHERE id = 1
SELECT * FROM UNNEST(ARRAY[1, 2])
SELECT * FROM UNNEST(ARRAY[1, 2]) WITH ORDINALITY
SELECT "$path" IS NOT NULL FROM nested
WITH w AS (SELECT person FROM nested) SELECT person.name FROM w ORDER BY 1
SELECT person.name FROM nested UNION ALL SELECT 'x'
SELECT person FROM nested WHERE person.name = 'Bo' UNION ALL SELECT person FROM nested WHERE id = 1
SELECT lag(person.name) OVER (ORDER BY id) FROM nested ORDER BY id
SELECT PERSON.NAME FROM nested ORDER BY id
SELECT "person"."name" FROM nested ORDER BY id
