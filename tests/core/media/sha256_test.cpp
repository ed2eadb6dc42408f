#include "core/media/sha256.h"

#include <QTest>

using namespace kinora::core;

class Sha256Test : public QObject {
    Q_OBJECT

  private slots:
    // FIPS 180-2, appendix B.1.
    void givesTheDigitsOfTheStandardsExample() {
        const std::string text = "abc";
        Sha256 hash;
        hash.add(std::as_bytes(std::span(text).first(1)));
        hash.add(std::as_bytes(std::span(text).last(2)));
        QCOMPARE(hash.digits(),
                 std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
        QCOMPARE(sha256Name("ba78"), std::string("sha256:ba78"));
    }

    void knowsAHashByItsForm() {
        const std::string digits(64, 'a');
        QVERIFY(isSha256Digits(digits));
        QVERIFY(isSha256Name("sha256:" + digits));
        QVERIFY(!isSha256Digits(digits + "a"));
        QVERIFY(!isSha256Digits(std::string(64, 'A')));
        QVERIFY(!isSha256Name(digits));
        QVERIFY(!isSha256Name("sha256:" + std::string(63, 'a')));
        QVERIFY(!isSha256Name(""));
    }
};

QTEST_GUILESS_MAIN(Sha256Test)
#include "sha256_test.moc"
