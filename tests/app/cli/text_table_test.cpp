#include "app/cli/text_table.h"

#include <QTest>

using namespace kinora::app;

class TextTableTest : public QObject {
    Q_OBJECT

  private slots:
    void columnsLineUp() {
        TextTable table({"NAME", "SIZE"});
        table.addRow({"starter-image", "38 MiB"});
        table.addRow({"x", ""});
        QCOMPARE(table.text(), std::string("NAME           SIZE\n"
                                           "starter-image  38 MiB\n"
                                           "x\n"));
    }

    void widthIsWhatATerminalShows() {
        QCOMPARE(displayWidth("fox"), size_t{3});
        QCOMPARE(displayWidth("лиса"), size_t{4});
        QCOMPARE(displayWidth("狐"), size_t{2});
        QCOMPARE(displayWidth("e\xCC\x81"), size_t{1}); // e and a combining acute
        QCOMPARE(displayWidth(""), size_t{0});
    }
};

QTEST_GUILESS_MAIN(TextTableTest)
#include "text_table_test.moc"
