// What a request asks for, as rows.
#include "app/cli/request_rows.h"

#include <QTest>

using namespace kinora;
using namespace kinora::app;

class RequestRowsTest : public QObject {
    Q_OBJECT

  private slots:
    void onlyWhatIsAskedForIsTold() {
        pipelines::ImageRequest request;
        request.prompt = "a fox";
        request.hires = 1.5;
        request.adapters = {"sketch:0.8"};
        request.embeddings = {"night"};
        request.adapterImages = {"/pictures/sketch.png"};
        TextTable result({}), all({});
        addRequest(result, request, RequestRows::Result);
        addRequest(all, request, RequestRows::All);
        for (const char* value : {"a fox", "1.5", "sketch:0.8", "night"})
            QVERIFY2(result.text().find(value) != std::string::npos, value);
        QCOMPARE(std::ranges::count(result.text(), '\n'), std::ptrdiff_t{4});
        QVERIFY(result.text().find("/pictures") == std::string::npos);
        QVERIFY(all.text().find("/pictures/sketch.png") != std::string::npos);
    }
};

QTEST_GUILESS_MAIN(RequestRowsTest)
#include "request_rows_test.moc"
